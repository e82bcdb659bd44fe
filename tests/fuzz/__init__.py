"""``make fuzz``: the decoders under atheris, which is guided by what its inputs cover; in an environment of its own."""
