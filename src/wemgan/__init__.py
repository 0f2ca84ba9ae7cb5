"""WEM-GAN: facial expressions edited by action units, as a reproducible experiment workflow."""
