//! Commits many waiting commands in one transaction and answers each caller
