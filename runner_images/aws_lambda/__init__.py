"""One worker as an invocation of an AWS Lambda function: `runner_images.aws_lambda.handler.handle`."""
