"""The strict layer's place in the server: where calls are read for its rules, and refused in each service's own form."""
