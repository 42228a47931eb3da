"""The four rules in DuckDB, Polars and NumPy, each in its best formulation; run by `run`.

    peers.py SYSTEM DIR MONTHS RUNS latest|backtest

SYSTEM is duckdb, polars or numpy. DIR holds `matrix.f64` (one series after another, NaN is missing) and
`fired-RULE.u32` (what supplywatch found at the latest month, to agree with). Loading is not timed. Prints one
JSON object.

The rules: two declines in a row; change over one month < -20 %; year on year < -25 %; z-score against the
24 months before < -2 (sample deviation, all 24 known). A comparison leaves 1e-12 to the noise of fractions.
The best formulation for one month is aggregates over the rows of the last months, for every month shifted
columns; window functions take ten times as long.
"""
import array
import json
import pathlib
import statistics
import sys
import time

import numpy

SYSTEM, DIR, MONTHS, RUNS, WORK = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
LAST = MONTHS - 1
MATRIX = numpy.fromfile(DIR / "matrix.f64", dtype="<f8").reshape(-1, MONTHS)
DROP, YEAR, LOW = -0.20 - 1e-12, -0.25 - 1e-12, -2 - 2e-12


def rows(first):
    """(series, month, value) from a month on, by series, without the missing."""
    part = MATRIX[:, first:]
    series = numpy.repeat(numpy.arange(len(part), dtype=numpy.int32), part.shape[1])
    month = numpy.tile(numpy.arange(first, MONTHS, dtype=numpy.int16), len(part))
    value = part.ravel()
    known = ~numpy.isnan(value)
    return series[known], month[known], value[known]


def duckdb_latest():
    import duckdb
    import pyarrow

    base = duckdb.connect()
    series, month, value = rows(0)
    base.register("source", pyarrow.table({"series": series, "month": month, "v": value}))
    base.execute("create table figure as select * from source")
    base.unregister("source")
    at = lambda back: f"max(v) filter (month = {LAST - back})"
    before = f"filter (month < {LAST})"
    query = f"""
        select series, v < v1 and v1 < v2 as r0, v / v1 - 1 < {DROP} as r1, v / v12 - 1 < {YEAR} as r2,
               n = 24 and v is not null and (v - mean) / nullif(sd, 0) < {LOW} as r3
        from (select series, {at(0)} v, {at(1)} v1, {at(2)} v2, {at(12)} v12,
                     avg(v) {before} mean, stddev_samp(v) {before} sd, count(*) {before} n
              from figure where month >= {LAST - 24} group by series)"""

    def run():
        base.execute(f"create or replace temp table fired as select * from ({query}) where r0 or r1 or r2 or r3")
        return base

    def fired(base):
        return [base.execute(f"select series from fired where r{rule}").fetchnumpy()["series"] for rule in range(4)]

    return run, fired


def polars_latest():
    import polars

    series, month, value = rows(0)
    frame = polars.DataFrame({"series": series, "month": month, "v": value})
    v, at = polars.col("v"), polars.col("month")
    back = lambda n: v.filter(at == LAST - n).first()
    before = v.filter(at < LAST)

    def run():
        parts = frame.lazy().filter(at >= LAST - 24).group_by("series").agg(
            v=back(0), v1=back(1), v2=back(2), v12=back(12), mean=before.mean(), sd=before.std(), n=before.len())
        c = polars.col
        rules = parts.select(
            "series",
            r0=((c("v") < c("v1")) & (c("v1") < c("v2"))).fill_null(False),
            r1=(c("v") / c("v1") - 1 < DROP).fill_null(False),
            r2=(c("v") / c("v12") - 1 < YEAR).fill_null(False),
            r3=((c("n") == 24) & ((c("v") - c("mean")) / c("sd") < LOW)).fill_null(False))
        return rules.filter(polars.any_horizontal("r0", "r1", "r2", "r3")).collect()

    return run, lambda frame: [frame.filter(f"r{rule}")["series"].to_numpy() for rule in range(4)]


def polars_backtest():
    import polars

    # Dense and by series, so that a shift is a look-back; the month guards the beginning of each series.
    count = len(MATRIX)
    frame = polars.DataFrame({
        "month": numpy.tile(numpy.arange(MONTHS, dtype=numpy.int16), count), "v": MATRIX.ravel()}).with_columns(
        polars.col("v").fill_nan(None))
    v, at = polars.col("v"), polars.col("month")
    back = lambda n: polars.when(at >= n).then(v.shift(n))

    def run():
        parts = frame.lazy().with_columns(
            v1=back(1), v2=back(2), v12=back(12),
            mean=polars.when(at >= 24).then(v.rolling_mean(24, min_samples=24).shift(1)),
            sd=polars.when(at >= 24).then(v.rolling_std(24, min_samples=24).shift(1)))
        c = polars.col
        rules = parts.select(
            "month",
            r0=((c("v") < c("v1")) & (c("v1") < c("v2"))).fill_null(False),
            r1=(c("v") / c("v1") - 1 < DROP).fill_null(False),
            r2=(c("v") / c("v12") - 1 < YEAR).fill_null(False),
            r3=((c("v") - c("mean")) / c("sd") < LOW).fill_null(False))
        return rules.group_by("month").agg(c("r0", "r1", "r2", "r3").sum()).collect()

    return run, lambda frame: [int(frame[f"r{rule}"].sum()) for rule in range(4)]


def numpy_latest():
    columns = numpy.ascontiguousarray(MATRIX.T)

    def run():
        with numpy.errstate(all="ignore"):
            v, v1, v2, v12, window = columns[LAST], columns[LAST - 1], columns[LAST - 2], columns[LAST - 12], columns[LAST - 24:LAST]
            mean, sd = window.mean(axis=0), window.std(axis=0, ddof=1)
            return [(v < v1) & (v1 < v2), v / v1 - 1 < DROP, v / v12 - 1 < YEAR, (v - mean) / sd < LOW]

    return run, lambda rules: [numpy.flatnonzero(rule) for rule in rules]


run, fired = {
    ("duckdb", "latest"): duckdb_latest, ("polars", "latest"): polars_latest, ("numpy", "latest"): numpy_latest,
    ("polars", "backtest"): polars_backtest}[SYSTEM, WORK]()
result = run()
times, busy = [], []
for _ in range(RUNS):
    start, clock = time.perf_counter(), time.process_time()
    result = run()
    times.append(time.perf_counter() - start)
    busy.append(time.process_time() - clock)
answer = {"work": WORK, "system": SYSTEM, "least": min(times), "median": statistics.median(times), "busy": min(busy)}
if WORK == "backtest":
    answer["counts"] = fired(result)
else:
    answer["differ"] = []
    for rule, found in enumerate(fired(result)):
        ours = array.array("I", (DIR / f"fired-{rule}.u32").read_bytes())
        answer["differ"].append(len(set(ours) ^ set(found.tolist())))
print(json.dumps(answer))
