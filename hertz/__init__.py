"""The nightly brain of a people-matching service: profiles in, explained mutual matches out."""
