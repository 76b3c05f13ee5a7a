"""Writes statistics.json beside this script: what scipy and statsmodels say of the quantities in src/statistics.rs.

Wilson's interval and the exact test are theirs. pass@k and maj@k are counted over every choice of k attempts, with
fractions. Tango's interval is found from its definition: the likelihood is maximised numerically under the hypothesis,
and the limits are where the score statistic crosses the normal quantile.

Run with Python 3.11, scipy 1.17.1 and statsmodels 0.15.0:  python make_statistics.py
"""

import collections
import fractions
import itertools
import json
import math
import pathlib

import scipy.optimize
import scipy.stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

Z = scipy.stats.norm.ppf(0.975)


def wilson(successes, trials):
    low, high = proportion_confint(successes, trials, alpha=0.05, method="wilson")
    return {"successes": successes, "trials": trials, "low": low, "high": high}


def exact(better, worse):
    found = mcnemar([[0, better], [worse, 0]], exact=True).pvalue
    again = scipy.stats.binomtest(better, better + worse, 0.5).pvalue if better + worse else 1.0
    assert math.isclose(found, again, rel_tol=1e-9), (found, again)
    return {"better": better, "worse": worse, "p": float(found)}


def score(better, worse, pairs, difference):
    """The score statistic of the hypothesis that the shares differ by `difference`."""

    def unlikely(q):
        p, rest = q + difference, 1 - 2 * q - difference
        terms = [(better, p), (worse, q), (pairs - better - worse, rest)]
        if any(count > 0 and share <= 0 for count, share in terms):
            return math.inf
        return -sum(count * math.log(share) for count, share in terms if count > 0)

    low, high = max(0.0, -difference), (1 - difference) / 2
    found = scipy.optimize.minimize_scalar(unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-14})
    q = min([found.x, low, high], key=unlikely)
    variance = (2 * q + difference - difference**2) / pairs
    estimate = (better - worse) / pairs - difference
    if variance <= 0:
        return math.copysign(math.inf, estimate) if estimate else 0.0
    return estimate / math.sqrt(variance)


def tango(better, worse, pairs):
    estimate = (better - worse) / pairs
    inner = 1 - 1e-9

    def limit(sign, end):
        cross = lambda difference: score(better, worse, pairs, difference) - sign * Z
        if estimate == end or cross(estimate) * cross(end * inner) > 0:
            return end
        return scipy.optimize.brentq(cross, estimate, end * inner, xtol=1e-13)

    return {
        "better": better,
        "worse": worse,
        "pairs": pairs,
        "low": limit(1, -1.0),
        "high": limit(-1, 1.0),
    }


def pass_at(correct, attempts, k):
    missed = fractions.Fraction(math.comb(attempts - correct, k), math.comb(attempts, k))
    return {"correct": correct, "attempts": attempts, "k": k, "value": float(1 - missed)}


def majority_at(correct, wrong, silent, k):
    """Over every choice of k attempts, the chance that the answer with the most votes is the correct one."""
    votes = ["correct"] * correct + [index for index, count in enumerate(wrong) for _ in range(count)] + [None] * silent
    chosen = list(itertools.combinations(votes, k))
    won = fractions.Fraction(0)
    for choice in chosen:
        counts = collections.Counter(vote for vote in choice if vote is not None)
        if counts and counts["correct"] == max(counts.values()):
            won += fractions.Fraction(1, sum(count == counts["correct"] for count in counts.values()))
    return {"correct": correct, "wrong": wrong, "silent": silent, "k": k, "value": float(won / len(chosen))}


def mean(values):
    found = scipy.stats.norm.interval(0.95, loc=sum(values) / len(values), scale=scipy.stats.sem(values))
    return {"values": values, "low": float(found[0]), "high": float(found[1])}


golden = {
    "wilson": [
        wilson(*pair) for pair in [(0, 1), (1, 1), (1, 2), (0, 10), (10, 10), (742, 1319), (14, 28), (3, 200_000), (81, 263)]
    ],
    "exact": [
        exact(*pair)
        for pair in [(0, 0), (1, 0), (5, 5), (6, 1), (1, 6), (12, 2), (9, 8), (100, 61), (1000, 900), (40_000, 39_000), (2000, 1)]
    ],
    "tango": [
        tango(*triple)
        for triple in [(12, 2, 50), (2, 12, 50), (0, 0, 20), (1, 0, 30), (5, 5, 100), (9, 0, 9), (0, 3, 5), (61, 42, 1319), (900, 1000, 20_000)]
    ],
    "pass_at": [
        pass_at(*triple)
        for triple in [(0, 4, 2), (4, 4, 1), (1, 4, 1), (2, 4, 2), (3, 4, 2), (1, 200, 100), (37, 1000, 10), (5, 64, 32), (999, 1000, 1)]
    ],
    "majority_at": [
        majority_at(*case)
        for case in [
            (3, [2], 0, 5),
            (2, [2], 0, 4),
            (1, [1, 1], 0, 3),
            (3, [2], 0, 1),
            (3, [2], 0, 2),
            (3, [2], 0, 3),
            (2, [3, 1], 2, 4),
            (2, [3, 1], 2, 8),
            (4, [4, 4], 4, 8),
            (5, [3, 2, 1, 1], 4, 7),
            (1, [], 5, 3),
            (0, [2, 2], 0, 2),
            (0, [], 4, 2),
            (6, [6], 0, 6),
            (1, [1] * 9, 2, 6),
        ]
    ],
    "mean": [mean([0.0, 1.0, 1.0, 0.25]), mean([1 / 3, 0.9, 0.1, 0.7, 0.65])],
}
path = pathlib.Path(__file__).with_name("statistics.json")
path.write_text(json.dumps(golden, indent=1) + "\n")
print(f"{path.name}: {sum(map(len, golden.values()))} cases")
