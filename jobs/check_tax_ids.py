"""Look up tax ids in VIES, new ones and those whose time to try again has come."""

import logging

from jobs.work import Work
from portal.company.vies_checks import claim_lookups, look_up, note_silence
from portal.extensions import db

BATCH = 3  # each may take twelve seconds; all of a batch must be done within the lease
log = logging.getLogger("portal.jobs")


def check_tax_ids(work: Work) -> int:
    """Work until nothing is due; returns how many numbers were tried."""
    tried = 0
    while work.should_go_on() and (numbers := claim_lookups(work.worker, BATCH)):
        for tax_id_id in [number.id for number in numbers]:
            if not work.should_go_on():
                break
            _look_up(tax_id_id, work.worker)
            tried += 1
    return tried


def _look_up(tax_id_id: str, worker: str) -> None:
    """One number; one that fails for a reason of ours must not keep the others waiting, nor look invalid."""
    try:
        look_up(tax_id_id, worker)
    except Exception as error:
        db.session.rollback()
        log.warning("tax id not looked up", extra={"tax_id": tax_id_id}, exc_info=error)
        note_silence(tax_id_id, worker)
