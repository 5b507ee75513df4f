"""Sample load tests: k6 and Artillery scenarios, their catalogue, and the small shop they put under load."""
