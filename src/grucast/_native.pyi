"""grucast's native kernels."""

def targets() -> list[str]:
    """Instruction sets that can run here, best first."""
