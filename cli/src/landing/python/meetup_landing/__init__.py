"""Loads files that arrive in a volume into the raw tables of a target, by the same contract as `meetup load`."""
