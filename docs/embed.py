"""alertlib's live core in somebody else's bar loop: ``python docs/embed.py < bars.csv``.

Rows are ``time,open,high,low,close`` of closed M5 bars, oldest first, exchange wall clock. No
daemon, no database, no network: what to do with an alert is yours.
"""

import csv
import sys
from datetime import datetime

import alertlib as al

stream = al.Stream(al.load_config(), symbol="WIN$N", timeframe="M5")
for row in csv.DictReader(sys.stdin):
    prices = (float(row[name]) for name in ("open", "high", "low", "close"))
    try:
        alerts = stream.on_bar(al.Bar(datetime.fromisoformat(row["time"]), *prices))
    except al.DataError as error:  # a bad or repeated bar: the stream is as it was before it
        print(error, file=sys.stderr)
        continue
    for alert in alerts:
        print(alert.time, alert.pattern, alert.direction, alert.price, alert.stop, alert.target)
