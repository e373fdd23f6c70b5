import json, shutil, sys, time
from pathlib import Path
from explanations.generator import VllmGenerator
from explanations.ray_engine import load_engines
from explanations.settings import ExplanationSettings
if __name__ == "__main__":
    bad = Path("/tmp/tiny-bad"); shutil.rmtree(bad, ignore_errors=True); shutil.copytree("/tmp/tiny-ray", bad)
    c = json.loads((bad / "config.json").read_text()); c["architectures"] = ["NoSuchModel"]; (bad / "config.json").write_text(json.dumps(c))
    t0 = time.perf_counter()
    try:
        with VllmGenerator(str(bad), ExplanationSettings(max_model_len=1024, max_tokens=64, engines=2), load_engines): pass
    except Exception as e:
        print(type(e), e)
    print(time.perf_counter() - t0)
