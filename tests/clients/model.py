"""What a tour has to have seen, according to botocore's own model of the service."""

import botocore.session

# Errors that the model has and no request of a tour can bring about, with the reason.
NO_KEYS = "nothing is encrypted: customer keys are refused by name"
NO_QUOTA = "there is no quota on the number of these"
NO_RACE = "it tells of a race, and writes come one after the other"
MUCH = "it takes more than a tour can do in its time; tests/api brings it about"
UNREACHABLE = {
    "KmsAccessDeniedException": NO_KEYS,
    "KmsInvalidStateException": NO_KEYS,
    "KmsThrottlingException": NO_KEYS,
    "ActivityLimitExceeded": NO_QUOTA,
    "StateMachineLimitExceeded": NO_QUOTA,
    "ExecutionLimitExceeded": MUCH,
    "ActivityWorkerLimitExceeded": MUCH,
    "ServiceQuotaExceededException": MUCH,
    "InvalidTracingConfiguration": "its only member is a boolean",
    "CreateActivity ActivityAlreadyExists": NO_KEYS,
    "CreateStateMachine ConflictException": NO_RACE,
    "CreateStateMachine StateMachineTypeNotSupported": "both types are supported",
    "CreateStateMachineAlias InvalidName": "AWS answers ValidationException",
    "DeleteStateMachineAlias ConflictException": NO_RACE,
    "DeleteStateMachineAlias ResourceNotFound": "an absent one is deleted without a word",
    "StartSyncExecution StateMachineDeleting": "Express machines are gone at once",
    "UpdateStateMachine ConflictException": NO_RACE,
    "UpdateStateMachineAlias ConflictException": NO_RACE,
}


def service():
    return botocore.session.get_session().get_service_model("stepfunctions")


def check(answered, raised):
    """Asserts that each operation was answered, and that each of its errors was raised."""
    check_operations(answered)
    modelled = {
        (operation, shape.name)
        for operation in service().operation_names
        for shape in service().operation_model(operation).error_shapes
    }
    missing = [
        f"{operation} {error}"
        for operation, error in sorted(modelled - raised)
        if error not in UNREACHABLE and f"{operation} {error}" not in UNREACHABLE
    ]
    assert not missing, "never raised:\n" + "\n".join(missing)
    stale = [entry for entry in UNREACHABLE if is_raised(entry, raised)]
    assert not stale, f"raised after all: {stale}"


def is_raised(entry, raised):
    """Whether an entry of `UNREACHABLE`, an error or an operation with its error, was raised."""
    return any(entry in (error, f"{operation} {error}") for operation, error in raised)


def check_operations(answered):
    """Asserts that each operation was answered."""
    missing = set(service().operation_names) - answered
    assert not missing, f"never answered: {sorted(missing)}"
