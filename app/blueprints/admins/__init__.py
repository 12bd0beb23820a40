"""Those who run the installation: who they are, and the accounts that they suspend."""
