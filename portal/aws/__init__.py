"""AWS behind typed doors, one per service. The only package that imports boto3; its errors leave as PortalError."""
