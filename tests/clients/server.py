"""`asl serve` in a process of its own, on files in a folder of its own."""

import os
import signal
import subprocess
from pathlib import Path

# Function `ask` leaves its payload to whoever reads `asked.jsonl`; `pay` fails until there is a
# file `repaired`, and then answers its payload.
CONFIGURATION = """
[functions.ask]
command = ["sh", "ask.sh"]

[functions.pay]
command = ["sh", "pay.sh"]
"""

# A line is one write, so that those of functions that run side by side do not mix.
ASK = """
payload=$(cat)
printf '%s\\n' "$payload" >> asked.jsonl
echo null
"""

PAY = """
if [ -e repaired ]; then exec cat; fi
echo '{"errorType": "CardDeclined", "errorMessage": "no money"}'
exit 1
"""

BEGINNING = "asl: listening on "


class Server:
    """A server that can be killed and started again on its file."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = Path(folder)
        self.process = None
        self.address = None
        (self.folder / "stepwell.toml").write_text(CONFIGURATION)
        (self.folder / "ask.sh").write_text(ASK)
        (self.folder / "pay.sh").write_text(PAY)
        self.start()

    def start(self):
        """Starts it on a free port, and waits until it says which one."""
        with open(self.folder / "log.txt", "a") as log:
            self.process = subprocess.Popen(
                [self.program, "serve", "--listen", "127.0.0.1:0", "--log", "warn"]
                + ["--database", self.folder / "stepwell.db"]
                + ["--config", self.folder / "stepwell.toml"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        line = self.process.stdout.readline().strip()
        assert line.startswith(BEGINNING), f"{line!r}; its log:\n{self.log()}"
        self.address = line.removeprefix(BEGINNING)

    def kill(self):
        """Ends it on the spot."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def log(self):
        return (self.folder / "log.txt").read_text()

    def check_log(self):
        """Asserts that it has had nothing to complain about."""
        words = ("ERROR", "panicked")
        complaints = [line for line in self.log().splitlines() if any(w in line for w in words)]
        assert not complaints, "\n".join(complaints)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def environment(address):
    """What tells the AWS tools where it is; any credentials will do."""
    return {
        "AWS_ENDPOINT_URL_SFN": address,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        # Nothing of whoever runs the tests.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
