"""The graders on PyPI that verifier_agreement.py compares with: pairs on stdin, one JSON object of verdicts per line.

Run by the Python of a venv with

    pip install --no-deps math-verify==0.9.0 latex2sympy2_extended==1.11.0 antlr4-python3-runtime==4.11.0 sympy==1.14.0 \
        mpmath mathruler==0.1.0 pylatexenc tqdm numpy verl==0.9.1 trl==1.16.0 lm-eval==0.4.13 opencompass==0.5.4

Their graders are single files of packages that want gigabytes, so each file is loaded alone and the little that it
imports of its package is stood in for: decorators, base classes and time limits, nothing that grades. What is not
installed is left out. Every verdict has five seconds, as math-verify's own default.
"""
import contextlib
import importlib.util
import io
import json
import logging
import pathlib
import signal
import sys
import types
import warnings

logging.disable(logging.CRITICAL)
warnings.filterwarnings("ignore")


def stand_in(name, **members):
    module = types.ModuleType(name)
    module.__path__ = []
    module.__dict__.update(members)
    sys.modules[name] = module


def load(name, path, package_folder=None):
    """One file of an installed package, as the module `name`."""
    for folder in sys.path:
        file = pathlib.Path(folder) / path
        if file.is_file():
            break
    else:
        raise ImportError(path)
    search = [str(file.parent)] if package_folder else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=search)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def last_box(text):
    """The content of the last box, or `None`."""
    start = text.rfind("\\boxed{")
    depth = 0
    for end in range(start + 6, len(text)) if start >= 0 else ():
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            return text[start + 7 : end]
    return None


def bare_answer(text):
    inner = last_box(text)
    return (inner if inner is not None else text).strip().strip("$").strip()


def boxed(text, bare):
    """A bare answer in the box that a grader of responses looks for; a response as it is."""
    return f"\\boxed{{{bare_answer(text)}}}" if bare and "boxed" not in text else text


def in_dollars(text, bare):
    marked = any(mark in text for mark in ("$", "\\[", "\\(", "boxed"))
    return text if marked or not bare else f"${text}$"


def math_verify():
    from math_verify import parse, verify

    return lambda gold, pred, bare: verify(parse(in_dollars(gold, bare)), parse(in_dollars(pred, bare)))


def trl():
    stand_in("trl")
    stand_in("trl.import_utils", is_math_verify_available=lambda: True)
    stand_in("trl.rewards")
    reward = load("trl.rewards.accuracy_rewards", "trl/rewards/accuracy_rewards.py").accuracy_reward
    return lambda gold, pred, bare: reward([[{"content": boxed(pred, bare)}]], [in_dollars(gold, bare)])[0] == 1.0


def mathruler():
    from mathruler.grader import grade_answer

    return lambda gold, pred, bare: grade_answer(bare_answer(pred), bare_answer(gold))


def verl_math():
    score = load("verl_math_reward", "verl/utils/reward_score/math_reward.py").compute_score
    return lambda gold, pred, bare: score(boxed(pred, bare), bare_answer(gold)) == 1.0


def verl_dapo():
    score = load("verl_math_dapo", "verl/utils/reward_score/math_dapo.py").compute_score
    return lambda gold, pred, bare: score(f"Answer: {bare_answer(pred)}" if bare else pred, bare_answer(gold))["acc"]


def verl_prime():
    stand_in("verl")
    stand_in("verl.utils")
    stand_in("verl.utils.py_functional", timeout_limit=lambda **_: lambda function: function)
    stand_in("verl.utils.reward_score")
    name = "verl.utils.reward_score.prime_math"
    score = load(name, "verl/utils/reward_score/prime_math/__init__.py", package_folder=True).compute_score
    return lambda gold, pred, bare: score(boxed(pred, bare), bare_answer(gold))[0]


def lm_eval_minerva():
    utils = load("lm_eval_minerva", "lm_eval/tasks/minerva_math/utils.py")

    def grade(gold, pred, bare):
        answer = bare_answer(pred) if bare or "boxed" in pred else utils.get_unnormalized_answer(pred)
        return utils.is_equiv(utils.normalize_final_answer(answer), utils.normalize_final_answer(bare_answer(gold)))

    return grade


def opencompass():
    class Registry:
        def register_module(self, *_, **__):
            return lambda thing: thing

    registry = Registry()
    stand_in("datasets", Dataset=object, DatasetDict=object)
    stand_in("opencompass")
    stand_in("opencompass.openicl")
    stand_in("opencompass.openicl.icl_evaluator", BaseEvaluator=object)
    names = ("ICL_EVALUATORS", "LOAD_DATASET", "TEXT_POSTPROCESSORS")
    stand_in("opencompass.registry", **dict.fromkeys(names, registry))
    stand_in("opencompass.utils", get_data_path=None)
    stand_in("opencompass.datasets")
    stand_in("opencompass.datasets.base", BaseDataset=object)
    module = load("opencompass.datasets.math", "opencompass/datasets/math.py")
    evaluator = module.MATHEvaluator.__new__(module.MATHEvaluator)
    evaluator.version = "v2"
    return lambda gold, pred, bare: evaluator.is_equiv(
        module.math_postprocess_v2(boxed(pred, bare)), bare_answer(gold)
    )


GRADERS = {
    "math-verify 0.9.0": math_verify,
    "trl 1.16.0 `accuracy_reward`": trl,
    "mathruler 0.1.0": mathruler,
    "verl 0.9.1 `math_reward`": verl_math,
    "verl 0.9.1 `math_dapo`": verl_dapo,
    "verl 0.9.1 `prime_math`": verl_prime,
    "lm-eval 0.4.13 `minerva_math`": lm_eval_minerva,
    "opencompass 0.5.4 `MATHEvaluator` v2": opencompass,
}


def expired(*_):
    raise TimeoutError


def main():
    graders = {}
    for name, make in GRADERS.items():
        try:
            graders[name] = make()
        except Exception as problem:
            print(f"left out {name}: {type(problem).__name__}: {problem}", file=sys.stderr)
    for line in sys.stdin:
        gold, pred, bare = json.loads(line)
        verdicts = {}
        for name, grade in graders.items():
            signal.signal(signal.SIGALRM, expired)
            signal.alarm(5)
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    verdicts[name] = bool(grade(gold, pred, bare))
            except Exception:
                # What raises gives no reward.
                verdicts[name] = False
            finally:
                signal.alarm(0)
        print(json.dumps(verdicts), flush=True)


if __name__ == "__main__":
    main()
