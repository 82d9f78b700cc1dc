# 不用网络安装联动村级代办终端 / installs the village agent's terminal without internet
param([string]$Folder = "$env:LOCALAPPDATA\Liandong")
$ErrorActionPreference = "Stop"
Set-Location $PSScriptRoot

function Stop-InWords([string]$words) { Write-Host $words; exit 1 }

$found = & py -3.11 -c "import sys, struct; print(sys.executable if struct.calcsize('P') == 8 else '')" 2>$null
if ($LASTEXITCODE -ne 0 -or -not $found) {
  Stop-InWords "需要 64 位 Python 3.11（安装时勾选 py launcher）/ Python 3.11, 64 bit, with the py launcher is needed"
}
foreach ($line in Get-Content SHA256SUMS -Encoding UTF8) {
  $sum, $name = $line -split "  ", 2
  if (-not (Test-Path -LiteralPath $name) -or (Get-FileHash -LiteralPath $name -Algorithm SHA256).Hash -ne $sum) {
    Stop-InWords "文件损坏或缺失，未安装；请重新复制 / damaged or missing, nothing was installed; copy it again: $name"
  }
}
$running = Get-Process | Where-Object { $_.Path -and $_.Path.StartsWith("$Folder\", "OrdinalIgnoreCase") }
if ($running) { Stop-InWords "联动的程序还开着，未作改动；请先退出 / a program of Liandong is running; leave it first" }

if (Test-Path "$Folder.old") { Remove-Item -Recurse -Force "$Folder.old" }
if (Test-Path $Folder) { Rename-Item $Folder "$Folder.old" }
try {
  & py -3.11 -m venv $Folder
  if ($LASTEXITCODE -ne 0) { throw "venv" }
  & "$Folder\Scripts\python.exe" -I -m pip install --quiet --disable-pip-version-check --no-index --find-links wheels `
    --no-deps --require-hashes -r requirements.lock
  if ($LASTEXITCODE -ne 0) { throw "pip" }
  & "$Folder\Scripts\village-agent.exe" --help | Out-Null
  if ($LASTEXITCODE -ne 0) { throw "village-agent" }
} catch {
  # 装不成就换回原来的 / what was there before is put back
  if (Test-Path $Folder) { Remove-Item -Recurse -Force $Folder }
  if (Test-Path "$Folder.old") { Rename-Item "$Folder.old" $Folder }
  Stop-InWords "没有装成，原来的程序没有变 / it could not be installed; what was there is as it was: $_"
}
if (Test-Path "$Folder.old") { Remove-Item -Recurse -Force "$Folder.old" }

$shell = New-Object -ComObject WScript.Shell
$menu = $shell.CreateShortcut([Environment]::GetFolderPath("Programs") + "\联动村级代办终端.lnk")
$terminal = Get-Command wt.exe -ErrorAction SilentlyContinue
if ($terminal) {
  $menu.TargetPath = $terminal.Source
  $menu.Arguments = "cmd /k `"`"$Folder\Scripts\village-agent.exe`" tui`""
} else {
  $menu.TargetPath = "$env:ComSpec"
  $menu.Arguments = "/k `"`"$Folder\Scripts\village-agent.exe`" tui`""
}
$menu.Save()
Write-Host "已安装：从开始菜单打开“联动村级代办终端” / installed: open it from the Start menu"
