-- One row: makes this transaction act as the role $1; fails when it does not exist or the user is no member of it.
SELECT set_config('role', $1, true)
