# 不联网安装联动村级代办终端 / installs the village agent's terminal without internet
param([string]$Folder = "$env:LOCALAPPDATA\Liandong")
$ErrorActionPreference = "Stop"
Set-Location -LiteralPath $PSScriptRoot

function Stop-InWords([string]$words) { Write-Host $words; exit 1 }

# py 的错误输出在 Stop 之下会变成异常 / what py says on its error output would be an exception under Stop
$found = ""
if (Get-Command py.exe -ErrorAction SilentlyContinue) {
  $ErrorActionPreference = "Continue"
  $found = & py.exe -3.11 -c "import sys, struct; print('ok' if struct.calcsize('P') == 8 else '')" 2>$null
  $ErrorActionPreference = "Stop"
}
if ("$found".Trim() -ne "ok") {
  Stop-InWords "需要 64 位 Python 3.11（安装时勾选 py launcher）/ Python 3.11, 64 bit, with the py launcher is needed"
}
if (-not (Test-Path -LiteralPath SHA256SUMS)) {
  Stop-InWords "请先把压缩包整个解开，再运行 / unpack the whole archive first, then run this"
}
foreach ($line in Get-Content -LiteralPath SHA256SUMS -Encoding UTF8) {
  $sum, $name = $line -split "  ", 2
  if (-not (Test-Path -LiteralPath $name) -or (Get-FileHash -LiteralPath $name -Algorithm SHA256).Hash -ne $sum) {
    Stop-InWords "文件损坏或缺失，未安装；请重新复制 / damaged or missing, nothing was installed; copy it again: $name"
  }
}
$running = Get-Process | Where-Object { $_.Path -and $_.Path.StartsWith("$Folder\", "OrdinalIgnoreCase") }
if ($running) { Stop-InWords "联动的程序还开着，未作改动；请先退出 / a program of Liandong is running; leave it first" }

$old = "$Folder.old"
if ((Test-Path -LiteralPath $old) -and (Test-Path -LiteralPath $Folder)) { Remove-Item -LiteralPath $old -Recurse -Force }
if (Test-Path -LiteralPath $Folder) { Move-Item -LiteralPath $Folder -Destination $old }
try {
  & py.exe -3.11 -m venv $Folder
  if ($LASTEXITCODE -ne 0) { throw "venv" }
  & "$Folder\Scripts\python.exe" -I -m pip install --quiet --disable-pip-version-check --no-index --find-links wheels `
    --no-deps --require-hashes -r requirements.lock
  if ($LASTEXITCODE -ne 0) { throw "pip" }
  & "$Folder\Scripts\village-agent.exe" --help | Out-Null
  if ($LASTEXITCODE -ne 0) { throw "village-agent" }
  # 出错时窗口留着，让人看到原因 / where it fails the window stays, for its words to be read
  Set-Content -LiteralPath "$Folder\liandong.cmd" -Encoding Ascii -Value @(
    '@echo off', '"%~dp0Scripts\village-agent.exe" tui', 'if errorlevel 1 pause'
  )
} catch {
  # 装不成就把原来的换回去 / what was there before is put back
  if (Test-Path -LiteralPath $Folder) { Remove-Item -LiteralPath $Folder -Recurse -Force }
  if (Test-Path -LiteralPath $old) { Move-Item -LiteralPath $old -Destination $Folder }
  Stop-InWords "没有安装成，原来的程序没有变 / it could not be installed; what was there is as it was: $_"
}
if (Test-Path -LiteralPath $old) { Remove-Item -LiteralPath $old -Recurse -Force }

try {
  $programs = [Environment]::GetFolderPath("Programs")
  $shell = New-Object -ComObject WScript.Shell
  # 它只会写系统代码页里的文件名，所以先用英文名，再改名 / it writes names of the code page alone: an English one first
  $menu = $shell.CreateShortcut("$programs\Liandong.lnk")
  $terminal = Get-Command wt.exe -ErrorAction SilentlyContinue
  if ($terminal) {
    $menu.TargetPath = $terminal.Source
    $menu.Arguments = "`"$Folder\liandong.cmd`""
  } else {
    $menu.TargetPath = "$Folder\liandong.cmd"
  }
  $menu.Save()
  Move-Item -LiteralPath "$programs\Liandong.lnk" -Destination "$programs\联动村级代办终端.lnk" -Force
} catch {
  Write-Host "已安装，但开始菜单里放不进去；请双击 / installed, but not in the Start menu; open this: $Folder\liandong.cmd"
  exit 0
}
Write-Host "已安装：从开始菜单打开「联动村级代办终端」 / installed: open it from the Start menu"
