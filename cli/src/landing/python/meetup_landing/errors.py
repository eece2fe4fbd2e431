"""Why files aren't loaded, in one sentence."""


class LandingError(Exception):
    """Something that a person has to correct; the message says what, where and how."""
