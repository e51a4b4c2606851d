//! What is wanted beside running a model: advice, reports for other tools, and the blocks of the lab.
