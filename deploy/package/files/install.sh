#!/bin/sh
# 不用网络安装联动：./install.sh [目录]，默认 ~/.local/share/liandong-program
# Installs Liandong without internet: ./install.sh [FOLDER]
set -eu
cd "$(dirname "$0")"
FOLDER=${1:-$HOME/.local/share/liandong-program}
PYTHON=${PYTHON:-python3.11}

command -v "$PYTHON" >/dev/null || { echo "需要 Python 3.11 / Python 3.11 is needed: python3.11" >&2; exit 1; }
"$PYTHON" -c 'import ensurepip' 2>/dev/null || { echo "缺少 / missing: python3.11-venv" >&2; exit 1; }
sha256sum --check --quiet --strict SHA256SUMS || {
	echo "有文件损坏或缺失，未安装；请重新复制这个文件夹 / files are damaged or missing; nothing was installed. Copy this folder again" >&2
	exit 1
}
if grep -lszx "$FOLDER/bin/python[3].*" /proc/[0-9]*/cmdline >/dev/null; then
	echo "联动的程序还开着，未作改动；请先退出 / a program of Liandong is running; nothing was changed. Leave it first" >&2
	exit 1
fi
# 装不成就换回原来的 / what was there before is put back if this one does not run
rm -rf "$FOLDER.old"
mkdir -p "$(dirname "$FOLDER")"
[ ! -e "$FOLDER" ] || mv "$FOLDER" "$FOLDER.old"
put_back() {
	rm -rf "$FOLDER"
	[ ! -e "$FOLDER.old" ] || mv "$FOLDER.old" "$FOLDER"
	echo "没有装成，原来的程序没有变 / it could not be installed; what was there is as it was" >&2
}
trap put_back EXIT
"$PYTHON" -m venv "$FOLDER"
"$FOLDER/bin/python" -I -m pip install --quiet --disable-pip-version-check --no-index --find-links wheels --no-deps \
	--require-hashes -r requirements.lock
"$FOLDER/bin/village-agent" --help >/dev/null
trap - EXIT
rm -rf "$FOLDER.old"
mkdir -p "$HOME/.local/bin"
for program in village-agent township-node city-node; do ln -sf "$FOLDER/bin/$program" "$HOME/.local/bin/$program"; done
echo "已安装，运行 / installed, run: $HOME/.local/bin/village-agent tui"
