"""What the portal does, one verb a file, one public function each. Ports arrive as `Parts`; every step may be repeated."""
