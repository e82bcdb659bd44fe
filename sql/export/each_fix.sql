-- One row per row of a source, in its order.
{source}
