"""stub."""


class Identity: ...


def identify(*a):
    return None
