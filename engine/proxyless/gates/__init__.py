"""What a mixed operation computes while its architecture parameters learn: Cai et al. 2019, 3.2."""
