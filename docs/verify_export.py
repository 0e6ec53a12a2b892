"""Check an exported audit log with nothing but Python: ``python verify_export.py export.jsonl``.

Give a head that was noted earlier (``SEQ:HASH``) as a second argument, and the export must also
contain it. Exit status 0 when all holds, 1 when something does not.
"""

import hashlib
import json
import sys


def digest(event):
    """Return the hash that the event must carry, from what it says and what it follows."""
    said = {key: event[key] for key in ("seq", "ts", "kind", "actor", "data")}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256((event["prev"] + text).encode()).hexdigest()


def findings(events, anchor=""):
    """Yield what does not hold, as lines."""
    if not events:
        yield "no events"
        return
    # A pruning names the last event to go and its hash; what is left goes on from there.
    pruned = {e["data"]["through"]: e["data"]["hash"] for e in events if e["kind"] == "prune"}
    seq = events[0]["seq"] if pruned else 1
    unfinished = seq <= max(pruned, default=0)  # it was interrupted, and leaves some that are to go
    expected = events[0]["prev"] if unfinished else pruned.get(seq - 1, "0" * 64)
    heads = {f"{seq - 1}:{expected}", *(f"{e['seq']}:{e['hash']}" for e in events)}
    for event in events:
        if event["seq"] != seq:
            yield f"event {seq} is missing; {event['seq']} stands in its place"
        elif event["prev"] != expected:
            yield f"event {event['seq']} does not follow the one before it"
        if digest(event) != event["hash"]:
            yield f"event {event['seq']} is not what was written"
        seq, expected = event["seq"] + 1, event["hash"]
    number, gone = anchor.partition(":")[0], events[0]["seq"] - 1
    if number.isdecimal() and int(number) < gone <= max(pruned, default=0):
        yield f"event {number} was pruned; use an anchor from {gone} on"
    elif anchor and anchor not in heads:
        yield f"no event is {anchor}: the log was cut or made again since that was noted"


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        found = list(findings([json.loads(line) for line in file], *sys.argv[2:]))
    print("\n".join(found) or "intact")
    sys.exit(1 if found else 0)
