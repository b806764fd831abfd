"""An outcome for its readers: people, pull requests, and machines that collect test results."""
