"""CloudFormation types that ministack refuses, or takes without doing anything."""
