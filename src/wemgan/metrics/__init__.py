"""What is measured of edits, a module each, on arrays; who measures AUs and identity is `wemgan.judges`' matter."""
