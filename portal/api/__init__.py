"""The REST API: start, watch and stop load tests with a token. One resource a file; every error is a problem JSON."""
