"""Conservation: under every fault, each task published is done, failed, dead or declared lost with the right cause."""
