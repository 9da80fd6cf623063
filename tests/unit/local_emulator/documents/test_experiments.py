from local_emulator.documents.experiments import merged


def test_maps_gain_and_lose_members_and_everything_else_is_replaced() -> None:
    stored = {
        "DisplayName": "a",
        "Parameters": {"x": {"NumberValue": 1}, "y": {"NumberValue": 2}},
        "InputArtifacts": {"i": {"Value": "v"}},
    }
    request = {
        "DisplayName": "b",
        "Parameters": {"x": {"NumberValue": 3}, "z": {"StringValue": "s"}},
        "ParametersToRemove": ["y"],
        "InputArtifactsToRemove": ["i"],
    }
    assert merged(stored, request) == {
        "DisplayName": "b",
        "Parameters": {"x": {"NumberValue": 3}, "z": {"StringValue": "s"}},
        "InputArtifacts": {},
    }
