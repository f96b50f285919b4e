"""What the catchers of mails and of webhooks share: the folder of what was caught, faults, the pages' frame."""
