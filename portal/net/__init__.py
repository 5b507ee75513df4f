"""The doors to the network beside AWS: keys of issuers, names, proofs of ownership. Each call is bounded in time and size."""
