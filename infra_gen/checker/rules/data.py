"""What holds data says what becomes of it, and it is what the preset promises."""

from __future__ import annotations

from collections.abc import Iterator

from infra_gen.checker.tree import Finding, Tree

HOLDERS = ("AWS::S3::Bucket", "AWS::EFS::FileSystem", "AWS::ECR::Repository", "AWS::RDS::DBInstance")
KEPT, GONE = ("Retain", "RetainExceptOnCreate", "Snapshot"), ("Delete",)


def data_goes_or_stays_as_the_preset_says(tree: Tree) -> Iterator[Finding]:
    allowed = KEPT if tree.retain else GONE
    for stack, name, resource in tree.of_type(*HOLDERS):
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if resource.get(policy) not in allowed:
                yield Finding(stack, name, f"has the {policy} {resource.get(policy)}; this preset needs {' or '.join(allowed)}.")
        emptied = resource["Properties"].get("EmptyOnDelete")
        if resource["Type"] == "AWS::ECR::Repository" and str(emptied).lower() != str(not tree.retain).lower():
            yield Finding(stack, name, "cannot be deleted while it has images." if not tree.retain else "loses its images.")
