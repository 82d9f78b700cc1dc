"""The pages for citizens: where a case stands, whether a slip is true, and how it went; nothing about anybody else."""
