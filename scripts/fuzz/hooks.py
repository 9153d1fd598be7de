"""What schemathesis cannot know by itself."""

import schemathesis

# Refusals that are no matter of shape: of keys that were used, of names that nobody knows, of signatures.
MEANING = {"idempotency_mismatch", "model_not_available", "bad_signature"}


@schemathesis.check
def shape_is_accepted(ctx, response, case):
    """What the document allows is refused only for what it says in `x-refused`."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code not in (400, 405, 406, 413, 414, 415, 422):
        return
    body = response.json()
    refused = {entry["pointer"] for entry in case.operation.definition.raw.get("x-refused", [])}
    if "error" in body and isinstance(body["error"], dict):
        code, faults = body["error"]["code"], [body["error"]["param"] or ""]
    else:
        code, faults = body["code"], [fault["pointer"] for fault in body.get("errors", [])]
    if code in MEANING:
        return
    within = lambda fault: any(fault == place or fault.startswith(place + "/") for place in refused)
    assert faults and all(map(within, faults)), f"Fits its schema, and is refused: {code} at {faults}"
