"""What the answers of a Teams workflow mean (learn.microsoft.com, "Request and response" of Azure Logic Apps).

202 says that the workflow has been started, and 200 that it has run: whether the card then reached the channel stands
in the workflow's own run history, which the answer names.
Failures are JSON: `{"error": {"code": ..., "message": ...}}`.
"""

import json
from collections.abc import Mapping

from alerts.channel import DeliveryError, Undeliverable
from alerts.reasons import Reason
from alerts.web.answers import failure_in
from alerts.web.post import Answer

ADVICE = (
    "in Teams, create a workflow anew (\"When a Teams webhook request is received\") and put its address into the "
    "configuration"
)  # fmt: skip

_WORKFLOW_IS_GONE: Mapping[str, str] = {
    "WorkflowTriggerIsNotEnabled": "the workflow is switched off: switch it on in Power Automate",
    "WorkflowNotFound": f"the workflow was deleted: {ADVICE}",
    "WorkflowTriggerNotFound": f"the workflow does not begin with a webhook any more: {ADVICE}",
    "InvalidSignature": f"the address is incomplete or its key was renewed: {ADVICE}",
    "AuthorizationFailed": f"the address is incomplete or its key was renewed: {ADVICE}",
    "DirectApiAuthorizationRequired": f"the workflow wants people to log in; let anyone trigger it, or {ADVICE}",
}


def failure(answer: Answer, host: str) -> DeliveryError | None:
    """The failure that an answer stands for; None when the message was taken."""
    code = _code(answer)
    if 400 <= answer.status < 500 and code in _WORKFLOW_IS_GONE:
        said = f"{host} answered {answer.status} ({code}): {_WORKFLOW_IS_GONE[code]}"
        return Undeliverable(Reason.CHANNEL_REFUSED, said, disables_channel=True)
    return failure_in(answer, host, ADVICE)


def _code(answer: Answer) -> str:
    try:
        found = json.loads(answer.body)["error"]["code"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return ""
    return found if isinstance(found, str) else ""
