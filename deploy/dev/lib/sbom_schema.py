"""Validates a CycloneDX document from standard input against CycloneDX's own schema, and prints each violation."""

import json
import sys
from importlib.resources import files

import jsonschema_rs

FOLDER = files("cyclonedx") / "schema" / "_res"
# Schemas that the schema of a document refers to.
OTHERS = ("spdx", "jsf-0.82")


def schema(name):
    return json.loads((FOLDER / f"{name}.SNAPSHOT.schema.json").read_text(encoding="utf-8"))


document = json.load(sys.stdin)
others = [(f"http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json", schema(name)) for name in OTHERS]
validator = jsonschema_rs.Draft7Validator(
    schema(f"bom-{document['specVersion']}"),
    registry=jsonschema_rs.Registry(others, draft=jsonschema_rs.Draft7),
    validate_formats=True,
)
faults = list(validator.iter_errors(document))
for fault in faults:
    # The message for an array contains all of it.
    print(f"{'/'.join(map(str, fault.instance_path)) or 'the document'}: {fault.message[-300:]}", file=sys.stderr)
sys.exit(1 if faults else 0)
