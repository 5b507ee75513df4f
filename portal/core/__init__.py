"""The domain: values and rules. Pure: no Django, clock, disk, network or vendor library."""
