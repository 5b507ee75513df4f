"""The AWS infrastructure as code that makes CloudFormation templates; see README.md beside this file."""
