enum KodiStandIn {
    /// Stands in for Kodi as far as the example sees it: plays an item of a kind for 40 seconds, and sometimes has just
    /// stopped when asked for its position. Prints how long the service ran, how often it sent something, and whether
    /// that always failed.
    static let program = #"""
        import importlib.util, json, sys, types
        sys.dont_write_bytecode = True
        path, kind = sys.argv[1:]
        xbmc, xbmcaddon = types.ModuleType("xbmc"), types.ModuleType("xbmcaddon")
        players, lines, turns = [], [], []
        class Player:
            def __init__(self): players.append(self)
            def isPlayingVideo(self): return True
            def getTotalTime(self): return 100
            def getTime(self):
                if len(turns) % 5 == 4: raise RuntimeError("Kodi is not playing any media file")
                return len(turns)
        class Monitor:
            def waitForAbort(self, seconds):
                turns.append(seconds)
                if len(turns) == 1: players[0].onAVStarted()
                if len(turns) == 40: players[0].onPlayBackStopped()
                return len(turns) == 41
        class Addon:
            def getSetting(self, name): return "http://127.0.0.1:1/"
        item = {"result": {"item": {"type": kind, "title": "x"}}}
        xbmc.Player, xbmc.Monitor, xbmc.LOGDEBUG = Player, Monitor, 0
        xbmc.executeJSONRPC = lambda call: json.dumps(item)
        xbmc.log = lambda text, level: lines.append(text)
        xbmcaddon.Addon = Addon
        sys.modules.update(xbmc=xbmc, xbmcaddon=xbmcaddon)
        spec = importlib.util.spec_from_file_location("kodi_hook", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.main()
        print(len(turns), len(lines), all("problem" in line for line in lines))
        """#
}
