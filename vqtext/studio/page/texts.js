// What the page says, in each of its languages. Names of labels and steps are the data's own.

export const TEXTS = {
  en: {
    language: "Language", undo: "Undo", redo: "Redo", next: "Next question", keys: "Keys", files: "Files",
    recordings: "Recordings", filter: "Find a recording", noRecording: "No recording has this name.",
    view: "Signal and steps of the recording. Left and right move, plus and minus zoom, up and down choose a step, N asks the next question.",
    exportCsv: "Steps as CSV", exportLs: "Tasks for Label Studio", exportConfig: "Label Studio configuration",
    importFile: "Take in segments (CSV, Label Studio JSON)…", taken: "{count} segments taken in", leftOut: "left out: {what}",
    nothing: "Click a step, or press N: the studio asks about the moment whose answer settles most others.",
    question: "Which step is this?", stretch: "A stretch of your own", step: "Step", sure: "{percent} % sure", unsure: "a guess",
    accept: "It is right", acceptThis: "It is: {step}", never: "“{step}” never happens", none: "no step",
    from: "From", to: "to", unit: "s", pick: "It is …", corrected: "Confirmed by you",
    evidence: "Evidence", against: "against the runner-up, in nats", noEvidence: "Only order and duration decide here.",
    words: "Words of {label}", edit: "Edit the words", save: "Save", cancel: "Cancel", phrase: "Phrase", shown: "Shown as", lasts: "Lasts",
    place: "Place", motion: "Motion", direction: "Direction", posture: "Posture", addPlace: "Add a place", addStep: "Add a step",
    up: "Move up", down: "Move down", drop: "Remove", side: "Side",
    wordsSaved: "Words saved in subactions.json.", wordsNew: "The words changed. The steps on this page were found with the old ones.",
    reopen: "Find the steps with the new words", reopening: "Finding the steps with the new words…",
    history: "Your corrections", noHistory: "Nothing yet. Each correction is saved at once.", never_: "never happens", wordsOf: "words of {label}",
    saved: "Saved.", working: "Saved. Updating all steps…", changed: "Saved. {seconds} s in {recordings} recordings got another name.",
    same: "Saved. No other moment got another name.", asking: "Looking for the most informative moment…", noQuestion: "No moment is in doubt.",
    border: "Border at {at} s: left and right move it, Enter keeps it, Escape leaves it.", noBorder: "This border cannot move: another label or a gap lies there.",
    problems: "Corrections that do not fit the data, the words or each other:", gone: "The studio does not answer: is it still running? All corrections are saved.",
    help: "Keys", close: "Close", remove: "Take back",
    help_move: "move", help_zoom: "zoom", help_ends: "beginning, end", help_choose: "choose the step before, after", help_next: "next question",
    help_accept: "it is right", help_digit: "it is the step of this number", help_border: "take hold of the beginning, the end of the step",
    help_never: "this step never happens", help_undo: "undo, redo", help_words: "edit the words", help_all: "the whole recording",
    help_drag: "mark a stretch of your own", help_drag_key: "Shift and drag",
  },
  ko: {
    language: "언어", undo: "실행 취소", redo: "다시 실행", next: "다음 질문", keys: "단축키", files: "파일",
    recordings: "기록", filter: "기록 찾기", noRecording: "이 이름의 기록이 없습니다.",
    view: "기록의 신호와 단계. 왼쪽·오른쪽: 이동, 더하기·빼기: 확대와 축소, 위·아래: 단계 선택, N: 다음 질문.",
    exportCsv: "단계를 CSV로", exportLs: "Label Studio 작업 파일", exportConfig: "Label Studio 설정",
    importFile: "구간 가져오기 (CSV, Label Studio JSON)…", taken: "구간 {count}개를 가져왔습니다", leftOut: "제외: {what}",
    nothing: "단계를 클릭하거나 N을 누르세요. 가장 많은 것을 알려 줄 순간을 묻습니다.",
    question: "이것은 어느 단계입니까?", stretch: "직접 고른 구간", step: "단계", sure: "확신 {percent} %", unsure: "추측",
    accept: "맞습니다", acceptThis: "맞습니다: {step}", never: "“{step}”은(는) 일어나지 않습니다", none: "단계 없음",
    from: "시작", to: "끝", unit: "초", pick: "이것은 …", corrected: "직접 확인함",
    evidence: "근거", against: "두 번째 후보와 비교, nat 단위", noEvidence: "순서와 길이만이 근거입니다.",
    words: "{label}의 말", edit: "말 고치기", save: "저장", cancel: "취소", phrase: "문구", shown: "표시", lasts: "길이",
    place: "위치", motion: "움직임", direction: "방향", posture: "자세", addPlace: "위치 추가", addStep: "단계 추가",
    up: "위로", down: "아래로", drop: "삭제", side: "쪽",
    wordsSaved: "subactions.json에 저장했습니다.", wordsNew: "말이 바뀌었습니다. 지금 보이는 것은 이전 말로 찾은 것입니다.",
    reopen: "새 말로 단계 찾기", reopening: "새 말로 단계를 찾는 중…",
    history: "확인한 것", noHistory: "아직 없습니다. 모든 것은 바로 저장됩니다.", never_: "일어나지 않음", wordsOf: "{label}의 말",
    saved: "저장했습니다.", working: "저장했습니다. 결과를 찾는 중…", changed: "저장했습니다. 기록 {recordings}개에서 {seconds}초의 이름이 바뀌었습니다.",
    same: "저장했습니다. 이름이 바뀐 다른 순간은 없습니다.", asking: "가장 많은 것을 알려 줄 순간을 찾는 중…", noQuestion: "의심스러운 순간이 없습니다.",
    border: "경계 {at}초: 왼쪽·오른쪽으로 옮기고, Enter로 확정, Escape로 취소합니다.", noBorder: "이 경계는 옮길 수 없습니다. 다른 활동이나 빈 구간과 닿아 있습니다.",
    problems: "그대로는 성립하지 않는 수정:", gone: "스튜디오가 응답하지 않습니다. 실행 중입니까? 확인한 것은 모두 저장되어 있습니다.",
    help: "단축키", close: "닫기", remove: "되돌리기",
    help_move: "이동", help_zoom: "확대, 축소", help_ends: "처음, 끝", help_choose: "앞, 뒤 단계 선택", help_next: "다음 질문",
    help_accept: "맞습니다", help_digit: "이 번호의 단계입니다", help_border: "단계의 시작, 끝 경계 잡기",
    help_never: "이 단계는 일어나지 않습니다", help_undo: "실행 취소, 다시 실행", help_words: "말 고치기", help_all: "기록 전체",
    help_drag: "구간을 직접 고르기", help_drag_key: "Shift + 끌기",
  },
};

export const LANGUAGES = { en: "English", ko: "한국어" };
let now = "en";

export const setLanguage = language => {
  now = language in TEXTS ? language : "en";
  document.documentElement.lang = now;
  return now;
};

export const t = (key, values = {}) =>
  (TEXTS[now][key] ?? TEXTS.en[key]).replace(/\{(\w+)\}/g, (_, name) => values[name]);
