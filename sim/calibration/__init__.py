"""What calibration fits and replays."""
