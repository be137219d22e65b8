"""slack_sdk's clients over the one way in which channels speak HTTP: the SDK builds requests, `alerts.web` sends.

The SDK sends through urllib as it comes, which is wrong for us in three ways: it follows redirects (a POST then
becomes a GET, and any page's 200 would pass for a delivered message), it takes proxies from the environment, and a
time-out while connecting looks like one while waiting for the answer, though only the latter may have sent something.
"""

import logging
from urllib.request import Request

from alerts.web.post import Answer, Sender

sdk_log = logging.getLogger("alerts.slack.sdk")
"""For the SDK's clients, which log whole addresses, tokens and messages; we report each failure ourselves."""
sdk_log.setLevel(logging.CRITICAL)


def carried(sender: Sender, request: Request) -> Answer:
    """The answer to what the SDK has built, whatever its status. Raises TryLater where none came."""
    content = request.data if isinstance(request.data, bytes) else None
    headers = dict(request.header_items())
    return sender.send(content, headers, url=request.full_url, method=request.get_method())
