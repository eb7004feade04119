"""What of a profile an RCS network is given."""

import hashlib

import orjson

from tabard.domain.profile import Profile


def digest_of(profile: Profile) -> str:
    """Differs whenever the network is to be given something else."""
    pushed = (
        profile.name,
        profile.description,
        profile.logo_url,
        profile.banner_url,
        profile.privacy_url,
        profile.terms_of_service_url,
        profile.accent_color,
        profile.emails,
        profile.websites,
        profile.phone_numbers,
        profile.use_case,
    )
    return hashlib.sha256(orjson.dumps(pushed)).hexdigest()[:16]
