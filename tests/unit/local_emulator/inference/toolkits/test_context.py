"""TorchServe's context."""

from local_emulator.inference.toolkits.context import Context


def test_headers_by_any_spelling() -> None:
    context = Context("/opt/ml/model")
    context.begin({"x-own": "yes", "content-type": "text/csv"})
    assert context.get_request_header(0, "X-Own") == "yes"
    assert context.get_request_header(0, "X-Other") is None
    properties = context.get_all_request_header(0)
    assert (properties["Content-Type"], "CONTENT-TYPE" in properties, properties.get("other", 1)) == ("text/csv", True, 1)
    assert context.request_processor[0].get_request_properties() is properties


def test_each_request_begins_anew() -> None:
    context = Context("/opt/ml/model")
    context.set_all_response_status(418)
    context.set_response_header(0, "X-Own", "1")
    context.set_response_content_type(0, "text/plain")
    assert (context.status, context.get_response_headers(0), context.get_response_content_type(0)) == (
        418,
        {"X-Own": "1"},
        "text/plain",
    )
    context.begin({})
    assert (context.status, context.get_response_headers(0), context.get_response_content_type(0)) == (200, {}, None)
    assert context.get_request_id() == "request-0"
