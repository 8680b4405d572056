"""95 % confidence intervals of what was measured in pairs.

A pair's ratio is taken within its round, as a logarithm, so that 2.0 and 0.5 are equally far from 1. The rounds are independent of each
other: new processes, compiled anew. What is shown is the geometric mean with Student's t interval on the logarithms; of differences, the mean
with the t interval. `difference` and `ratio` take {round: figure} and use the rounds that both sides have.
"""

import math
import statistics

# The 0.975 quantile of Student's t with 1, 2, ... degrees of freedom (any table of it).
T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
     2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042)


def interval(values):
    """Mean and its interval; of one value no interval, of nothing None."""
    values = list(values)
    if not values:
        return None
    mean = statistics.fmean(values)
    if len(values) == 1:
        return {"mean": mean, "low": None, "high": None, "rounds": 1}
    half = T[min(len(values) - 1, len(T)) - 1] * statistics.stdev(values) / math.sqrt(len(values))
    return {"mean": mean, "low": mean - half, "high": mean + half, "rounds": len(values)}


def difference(values, base):
    return interval(values[number] - base[number] for number in values if number in base)


def ratio(values, base):
    return geometric(values[number] / base[number] for number in values if number in base and base[number] > 0 and values[number] > 0)


def geometric(ratios):
    """As `interval`, of ratios."""
    found = interval(math.log(value) for value in ratios)
    return found and {name: math.exp(value) if name != "rounds" and value is not None else value for name, value in found.items()}


def text(found, digits=3):
    """1.012 (1.003 to 1.021)"""
    if not found:
        return "-"
    if found["low"] is None:
        return f"{found['mean']:,.{digits}f} (one round)"
    return f"{found['mean']:,.{digits}f} ({found['low']:,.{digits}f} to {found['high']:,.{digits}f})"
