"""substrate-interface of PyPI: connect, storage, transfer, events."""

import json
import os
import sys
import time
import traceback

from substrateinterface import Keypair, SubstrateInterface

network = json.loads(os.environ["PHAT_COMPAT_NETWORK"])
AMOUNT = 1_000_000_000_000


def check(what, work):
    """Runs one check and says that it held; the script ends with the first that does not."""
    try:
        result = work()
    except Exception:  # whatever it was, it did not hold
        print(f"FAILED: {what}")
        traceback.print_exc(file=sys.stdout)
        sys.exit(1)
    print(f"ok: {what}")
    return result


def equal(have, want):
    if have != want:
        raise AssertionError(f"{have!r}, not {want!r}")


substrate = check(
    "substrate-interface connects", lambda: SubstrateInterface(url=network["node"])
)


def storage():
    clusters = substrate.query_map("PhalaPhatContracts", "Clusters")
    equal([key.value for key, _ in clusters], [network["cluster"]])
    workers = substrate.query("PhalaPhatContracts", "ClusterWorkers", [network["cluster"]]).value
    equal(sorted(workers), sorted(worker["worker"] for worker in network["workers"]))


def transfer():
    sender = Keypair.create_from_uri("//Dave")
    receiver = Keypair.create_from_uri(f"//Python{time.time_ns()}").ss58_address
    call = substrate.compose_call(
        "Balances", "transfer_keep_alive", {"dest": receiver, "value": AMOUNT}
    )
    extrinsic = substrate.create_signed_extrinsic(call=call, keypair=sender)
    receipt = substrate.submit_extrinsic(extrinsic, wait_for_finalization=True)
    equal(receipt.is_success, True)
    events = [event.value["event_id"] for event in receipt.triggered_events]
    equal("Transfer" in events, True)
    account = substrate.query("System", "Account", [receiver]).value
    equal(account["data"]["free"], AMOUNT)


check("substrate-interface reads storage", storage)
check("substrate-interface makes a transfer and sees its event", transfer)
