"""What programs that read modules, torch.fx and torch.jit.script, are given in place of a layer's inside."""

from typing import Any, NoReturn

from torch import nn
from torch.fx import Proxy

from grucast.errors import ConfigError


def record_call(module: nn.Module, *arguments: Any) -> Any:
    """One node that calls the module, as torch.fx has it for torch.nn's layers."""
    tracer: Any = next(a.tracer for a in arguments if isinstance(a, Proxy))
    return tracer.create_proxy("call_module", tracer.path_of_module(module), arguments, {})


def refuse_script(module: nn.Module) -> NoReturn:
    """The answer to torch.jit.script, which would compile a layer's Python.

    Raises:
        ConfigError: Always.
    """
    name = type(module).__name__
    raise ConfigError(
        f"torch.jit.script cannot compile grucast.nn.{name}: use torch.jit.trace, torch.export or torch.compile; with "
        f"reset_after=True, torch.nn.{name} takes its state_dict and can be scripted"
    )
