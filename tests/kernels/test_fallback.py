import subprocess
import sys


def test_without_the_extension_there_is_one_warning_and_no_target():
    code = """
import sys, warnings
sys.modules["grucast._native"] = None
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import grucast, grucast.kernels
    import grucast.kernels.native
print(grucast.kernels.targets(), [str(w.category.__name__) for w in caught])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[] ['NoNativeWarning']"
